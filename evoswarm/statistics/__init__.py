"""Statistics of scores: stratified means, paired differences, and means over seeds."""
