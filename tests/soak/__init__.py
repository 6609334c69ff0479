"""The long tests: kills at random moments, writers and readers at once, and large inputs."""
