package main

import "github.com/spf13/cobra"

func newBench(e *env) *cobra.Command {
	return newGroup("bench", "How fast this machine delivers; nothing leaves it", "  sangam bench fanout --members 10000", newBenchFanout(e), newBenchSink(e))
}
