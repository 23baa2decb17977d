package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"wesouthasians.org/sangam/smtpd/bench"
)

func newBenchSink(e *env) *cobra.Command {
	var o bench.SinkOptions
	stdin := false
	cmd := &cobra.Command{
		Use: "sink", Short: "Take all mail and throw it away", Args: arguments(0, 0),
		Long: "Take all mail and throw it away, until it is interrupted, so that another sender can be measured against the same sink.\n" +
			"It tells where it listens, and at the end how many copies it took.",
		Example: "  sangam bench sink --listen 127.0.0.1:2500",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if stdin {
				return bench.ServeSink(o, e.stdin, e.stdout)
			}
			s, err := bench.StartSink(o)
			if err != nil {
				return fmt.Errorf("the sink cannot listen: %w", err)
			}
			fmt.Fprintln(e.stdout, s.Ready())
			<-cmd.Context().Done()
			fmt.Fprintf(e.stdout, "took %d copies\n", s.Total())
			if err := s.Close(); !errors.Is(cmd.Context().Err(), context.Canceled) {
				return err
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&o.Listen, "listen", "", "host:port (default a free port on loopback)")
	cmd.Flags().DurationVar(&o.Latency, "latency", 0, "of a round trip, like `50ms`")
	cmd.Flags().BoolVar(&o.Chunking, "chunking", false, "offer CHUNKING")
	cmd.Flags().BoolVar(&stdin, "stdin", false, "end when standard input does")
	return cmd
}
