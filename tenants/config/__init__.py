"""A council's configuration: what it may say, what is wrong with it, how it is edited, published and rolled back."""
