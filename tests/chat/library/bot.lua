-- The dialogs that ship with repartee: contact data, and the satisfaction survey.
bot { name = "library", language = "en" }
transports { stdin {} }
pipeline { rules { dir = "rules" } }
