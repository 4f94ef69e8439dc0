"""How dates are written in the admin: short enough for a column, with the month in letters."""
