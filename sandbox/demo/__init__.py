"""A real e-mail and a real meeting, taken through everything the app can do with them."""
