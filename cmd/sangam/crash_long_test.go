//go:build e2e

package main

func init() { crashRounds = 40 }
