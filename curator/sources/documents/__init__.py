"""Documents: Word, PowerPoint, PDF, HTML, Markdown and text; a file is a record in blocks."""
