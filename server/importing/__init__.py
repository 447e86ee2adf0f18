"""The way back: packages of files, as exports write them, become rows of the database."""
