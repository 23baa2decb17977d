// Package internal holds the parts that only the program uses, each in a folder of its own: config, control, telemetry,
// app. Its test keeps the rule of imports for the whole repository.
package internal
