package main

import (
	"context"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/spf13/cobra"

	"wesouthasians.org/sangam/cmd/internal/app"
	"wesouthasians.org/sangam/cmd/internal/doctor"
)

func newDoctor(e *env) *cobra.Command {
	return e.jsonFlag(&cobra.Command{
		Use: "doctor", Short: "Check the DNS, ports, certificates and sending", Args: arguments(0, 0),
		Long: "Check from outside in whether the records of `sangam dns` are published, ports answer, certificates are valid, mail gets out, and the clock\n" +
			"and the disk are well; say for each what to do. No mail is sent. The exit status is 1 when something is wrong. It takes a minute at most.",
		Example: "  sangam doctor\n  sangam doctor --json",
		RunE: e.onStore(func(ctx context.Context, s *site, _ []string) error {
			ring, err := s.ring()
			if err != nil {
				return err
			}
			_, offset, err := app.Clock(e.getenv)
			if err != nil {
				return usage{err}
			}
			o := doctor.Options{Config: s.config, Keys: ring, Serving: s.server != nil, ClockOffset: offset, Built: built()}
			if s.server != nil {
				o.Certificates = s.server.Certificates()
			}
			findings, err := doctor.Run(ctx, o)
			if err != nil {
				return err
			}
			return e.sayFindings(findings)
		}),
	})
}

func (e *env) sayFindings(findings []doctor.Finding) error {
	var rows []row
	wrong := 0
	for _, f := range findings {
		r := row{"check": f.Check, "name": f.Name, "ok": f.OK, "detail": f.Detail, "advice": f.Advice}
		if !f.OK {
			wrong++
		}
		if !e.json {
			r["ok"] = map[bool]string{true: "ok", false: "WRONG"}[f.OK]
			if f.Advice != "" {
				r["detail"] = f.Detail + ". " + f.Advice
			}
		}
		rows = append(rows, r)
	}
	if err := e.printRows(rows, "ok", "check", "name", "detail"); err != nil {
		return err
	}
	if wrong > 0 {
		fmt.Fprintf(e.stderr, "%d of %d checks found something wrong: do what they say, then run this again\n", wrong, len(findings))
		return exitStatus(1)
	}
	return nil
}

// built is when the commit of this program was made; zero when that is not known.
func built() (at time.Time) {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return at
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.time" {
			at, _ = time.Parse(time.RFC3339, s.Value)
		}
	}
	return at
}
