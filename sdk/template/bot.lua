-- A bot to try the plugin with: `scripted` plays a model, so nothing else is needed.
--
--     REPARTEE_PLUGIN_PATH=build repartee chat

bot { name = "myplugin-test" }

models { main = scripted { "Good day to you." } }

transports { stdin {} }

pipeline {
  myplugin { line = "Is that all?", about = "This bot ends every reply with a question." },
  ask { model = "main" },
}
