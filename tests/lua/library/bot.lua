-- Everything of the library that ships with repartee, in one bot, for its tests.
bot { name = "library", language = "en" }
transports { stdin {} }
pipeline { rules { dir = "rules" } }
