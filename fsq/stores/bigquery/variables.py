"""Variables of the environment that name the emulator's servers."""

REST_VARIABLE, GRPC_VARIABLE = "BIGQUERY_EMULATOR_HOST", "BIGQUERY_STORAGE_EMULATOR_HOST"
