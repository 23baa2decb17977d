package telemetry

import (
	"fmt"
	"log/slog"
	"net/http"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Telemetry of one server.
type Telemetry struct {
	Log *slog.Logger

	registry *prometheus.Registry
	copies   *prometheus.CounterVec
	ready    func() error
	notes    func() []string
	up       atomic.Bool
}

// New counts what passes through the log. ready says why no mail can be taken, and is asked only between SetUp(true) and
// SetUp(false).
func New(log slog.Handler, ready func() error) *Telemetry {
	fates := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "sangam_fates_total",
		Help: "Posts accepted, held, rejected, discarded, duplicate; members joined, left."}, []string{"fate"})
	for _, f := range Fates {
		fates.WithLabelValues(f)
	}
	copies := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "sangam_copies_total", Help: "Attempts to deliver a copy: delivered, deferred, failed."},
		[]string{"fate"})
	t := &Telemetry{Log: slog.New(counting{log, fates}), copies: copies, registry: prometheus.NewRegistry(), ready: ready,
		notes: func() []string { return nil }}
	t.registry.MustRegister(fates, copies, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return t
}

// Copies counts n copies of one fate.
func (t *Telemetry) Copies(fate string, n int) { t.copies.WithLabelValues(fate).Add(float64(n)) }

// Gauge is read at each scrape.
func (t *Telemetry) Gauge(name, help string, read func() float64) {
	t.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, read))
}

// Notes are lines that /readyz adds when it is ready: what somebody should see to, though mail flows. Set before Handler is served.
func (t *Telemetry) Notes(read func() []string) { t.notes = read }

// SetUp says that all listeners are up, or that the server drains.
func (t *Telemetry) SetUp(up bool) { t.up.Store(up) }

// Handler answers /metrics, /healthz (the process runs) and /readyz (listeners are up, the store can be written).
func (t *Telemetry) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(t.registry, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		if !t.up.Load() {
			http.Error(w, "the listeners are not up", http.StatusServiceUnavailable)
			return
		}
		if err := t.ready(); err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, "ready")
		for _, note := range t.notes() {
			fmt.Fprintln(w, note)
		}
	})
	return mux
}
