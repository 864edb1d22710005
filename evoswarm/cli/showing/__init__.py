"""What is shown in the end: tables, sentences, and the streams that they go to."""
