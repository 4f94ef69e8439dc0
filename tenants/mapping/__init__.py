"""The page on which a council's administrators map templates to their skeleton, try it, and publish it."""
