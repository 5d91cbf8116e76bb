"""Whether two texts ask or say the same in other words."""
