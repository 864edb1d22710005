"""What members say in an alphabet: next-byte and next-token distributions."""
