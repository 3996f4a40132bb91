"""The gateway: one HTTP address for every client, model and key. `serving.run` starts it, `app.build` makes it."""
