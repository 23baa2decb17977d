package acme

import (
	"context"
	"log/slog"

	"go.uber.org/zap/zapcore"
)

// toSlog takes what the library logs, which tells of one failure in several lines, to our log at level debug.
type toSlog struct{ log *slog.Logger }

func (s toSlog) Enabled(zapcore.Level) bool {
	return s.log.Enabled(context.Background(), slog.LevelDebug)
}

func (s toSlog) With(fields []zapcore.Field) zapcore.Core {
	return toSlog{s.log.With(attributes(fields)...)}
}

func (s toSlog) Check(e zapcore.Entry, checked *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	if s.Enabled(e.Level) {
		return checked.AddCore(e, s)
	}
	return checked
}

func (s toSlog) Write(e zapcore.Entry, fields []zapcore.Field) error {
	s.log.Debug("acme: "+e.Message, attributes(fields)...)
	return nil
}

func (toSlog) Sync() error { return nil }

func attributes(fields []zapcore.Field) []any {
	values := zapcore.NewMapObjectEncoder()
	for _, f := range fields {
		f.AddTo(values)
	}
	all := make([]any, 0, len(values.Fields))
	for k, v := range values.Fields {
		all = append(all, slog.Any(k, v))
	}
	return all
}
