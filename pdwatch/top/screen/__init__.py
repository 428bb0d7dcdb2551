"""The Textual side: a canvas that draws frames, and the application that feeds it. Nothing else imports Textual."""
