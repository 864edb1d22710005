"""Racing: recipes are scored on few items first, and on more only while they could still be selected."""
