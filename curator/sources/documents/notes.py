"""What readers note of a document beside what it says: how it was read, and what was left out."""

NOTES = ("pages", "left_out", "pages_without_text", "ocr", "ocr_doubtful")
"""Their names in a record's meta. They hold numbers and places, never words of the document."""
