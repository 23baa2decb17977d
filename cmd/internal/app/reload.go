package app

import (
	"log/slog"
	"reflect"

	"wesouthasians.org/sangam/cmd/internal/config"
	"wesouthasians.org/sangam/cmd/internal/telemetry"
)

// Reload takes over what can change live, the certificate and the level of the log, and says when more has changed.
func (a *App) Reload(c *config.Config, level *slog.LevelVar) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.reloadCertificates()
	level.Set(telemetry.Level(c.Log.Level))
	changed := *c
	changed.Log.Level = a.Config.Log.Level
	if !reflect.DeepEqual(&changed, a.Config) {
		a.log.Warn("the configuration has changes that need a restart: only the level of the log and the certificate change live")
	}
	a.log.Info("reloaded", "config", c.File)
}
