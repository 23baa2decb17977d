// Package telemetry tells how a server fares: the log, the metrics of Prometheus, and whether it is healthy and ready.
//
// Package app makes one Telemetry and gives its log to everything. Each fate of a post is one INFO line, whose message is
// the fate; the metrics count those lines, so that the two never disagree. Copies have one line for many and are counted
// by Copies.
package telemetry

import (
	"context"
	"io"
	"log/slog"
	"slices"

	"github.com/prometheus/client_golang/prometheus"
)

// Fates are the INFO lines that are counted.
var Fates = []string{"accepted", "held", "rejected", "discarded", "duplicate", "joined", "left"}

// NewHandler makes the handler of a log: format text or json. The level can change later.
func NewHandler(w io.Writer, format string, level *slog.LevelVar) slog.Handler {
	options := &slog.HandlerOptions{Level: level, ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey && len(groups) == 0 {
			return slog.Time(a.Key, a.Value.Time().UTC())
		}
		return a
	}}
	if format == "json" {
		return slog.NewJSONHandler(w, options)
	}
	return slog.NewTextHandler(w, options)
}

// Level of a name that the configuration allows.
func Level(name string) slog.Level {
	var l slog.Level
	if l.UnmarshalText([]byte(name)) != nil {
		return slog.LevelInfo
	}
	return l
}

// counting counts fates on their way to the log, whatever its level.
type counting struct {
	slog.Handler
	fates *prometheus.CounterVec
}

func (c counting) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelInfo || c.Handler.Enabled(ctx, level)
}

func (c counting) Handle(ctx context.Context, r slog.Record) error {
	if r.Level == slog.LevelInfo && slices.Contains(Fates, r.Message) {
		c.fates.WithLabelValues(r.Message).Inc()
	}
	if !c.Handler.Enabled(ctx, r.Level) {
		return nil
	}
	return c.Handler.Handle(ctx, r)
}

func (c counting) WithAttrs(as []slog.Attr) slog.Handler {
	return counting{c.Handler.WithAttrs(as), c.fates}
}
func (c counting) WithGroup(name string) slog.Handler {
	return counting{c.Handler.WithGroup(name), c.fates}
}
