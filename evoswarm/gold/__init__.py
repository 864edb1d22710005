"""Gold paths: what members say along texts that are known to be right, and how any greedy mix would do on them."""
