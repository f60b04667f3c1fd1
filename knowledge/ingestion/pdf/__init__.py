"""What PDFium knows of a page, its characters and lines, made into text that can be read.

A PDF has no paragraphs, columns, tables or headings, only characters at places and lines drawn:
`words` reads both, `grids` finds tables, `order` columns, `furniture` the headers and footers that
every page repeats, `headings` what is printed larger, and `flow` puts it together.
"""
