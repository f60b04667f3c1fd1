"""What functions for models are made of, without any rows: schemas, exact figures, dates."""
