"""A policy as a model of MLflow: a folder that it serves and predicts with, offline."""
