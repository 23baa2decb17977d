package archive

import (
	"testing"
	"time"
)

func TestParseDate(t *testing.T) {
	tests := map[string]string{ // "" : no date
		"Tue, 24 Nov 2026 09:30:00 +0530":                     "2026-11-24T09:30:00+05:30",
		"24 Nov 2026 09:30 +0530":                             "2026-11-24T09:30:00+05:30",
		"Mon, 24 Nov 2026 09:30:00 +0530 (IST)":               "2026-11-24T09:30:00+05:30", // a Tuesday
		"Tue, 24 Nov 26 09:30:00 GMT":                         "2026-11-24T09:30:00Z",
		"Wed, 3 Jan 99 23:59:60 EST":                          "1999-01-04T00:00:00-05:00",
		"Tue, 24 Nov 126 09:30:00 +0000":                      "2026-11-24T09:30:00Z",
		"Tue Nov 24 09:30:00 2026":                            "2026-11-24T09:30:00Z",
		"Tue Nov  3 09:30:00 2026 -0800":                      "2026-11-03T09:30:00-08:00",
		"Tue, 24 Nov 2026 24:00:00 +0000":                     "2026-11-25T00:00:00Z",
		"Tue, 24 Nov 2026 09:30:00 +2400":                     "2026-11-24T09:30:00Z",
		"Tue, 24 Nov 2026 09:30:00 PDT":                       "2026-11-24T09:30:00-07:00",
		"Tue, 24 Nov 2026 09:30:00 GMT+02:00":                 "2026-11-24T09:30:00+02:00",
		"Tue, 24 Nov 2026 09:30:00 UTC":                       "2026-11-24T09:30:00Z",
		"Tue, 24 Nov 2026 09:30:00 Newland":                   "2026-11-24T09:30:00Z",
		"Tue, 24 Nov 2026 09:30:00":                           "2026-11-24T09:30:00Z",
		"Tue, 24 Nov 2026":                                    "2026-11-24T00:00:00Z",
		"2026-11-24 09:30:00 +0100":                           "2026-11-24T09:30:00+01:00",
		"2026-11-24T09:30:00.123Z":                            "2026-11-24T09:30:00Z",
		"2026-11-24T09:30:00+05:30":                           "2026-11-24T09:30:00+05:30",
		"24-Nov-2026 09:30:00 +0000":                          "2026-11-24T09:30:00Z",
		"Tuesday, November 24, 2026 9:30 PM":                  "2026-11-24T21:30:00Z",
		"Nov 24, 2026 12:05 AM":                               "2026-11-24T00:05:00Z",
		"11/24/2026 09:30":                                    "2026-11-24T09:30:00Z",
		"24.11.2026 09:30":                                    "2026-11-24T09:30:00Z",
		"Tue, 24 Nov 2026 09:30:00+0530":                      "2026-11-24T09:30:00+05:30",
		"'Tue, 24 Nov 2026 09:30:00 +0000'":                   "2026-11-24T09:30:00Z",
		"Tue, 24 (the 24th (really)) Nov 2026 09:30:00 -0000": "2026-11-24T09:30:00Z",
		"Sat, 30 Feb 2026 09:30:00 +0000":                     "2026-03-02T09:30:00Z",
		"Tue, 24 Nov 2026 25:30:00 +0000":                     "",
		"Tue, 24 Nov 2026 09:75:00 +0000":                     "",
		"Tue, 44 Nov 2026 09:30:00 +0000":                     "",
		"yesterday":                                           "",
		"":                                                    "",
		"::::":                                                "",
	}
	for in, want := range tests {
		got, ok := ParseDate(in)
		if want == "" {
			if ok {
				t.Errorf("%q: %v, want none", in, got)
			}
			continue
		}
		w, err := time.Parse(time.RFC3339, want)
		if err != nil {
			t.Fatal(err)
		}
		if _, offset := got.Zone(); !ok || !got.Equal(w) || offset != func() int { _, o := w.Zone(); return o }() {
			t.Errorf("%q: %v (%v), want %v", in, got, ok, w)
		}
	}
}

func TestReceivedDate(t *testing.T) {
	tests := map[string]string{
		"Received: from a (b; c) by d; Tue, 24 Nov 2026 09:30:00 +0100 (CET)\nReceived: by x; Mon, 23 Nov 2026 09:30:00 +0000\n\n": "2026-11-24T08:30:00Z",
		"Subject: x\nReceived: from a\n\tby b\n\t; Tue, 24 Nov 2026\n\t09:30:00 +0000\n\n":                                         "2026-11-24T09:30:00Z",
		"Received: from a by b\n\nReceived: ; Tue, 24 Nov 2026 09:30:00 +0000":                                                     "",
		"Received: by b; tomorrow\n\n": "",
		"":                             "",
	}
	for in, want := range tests {
		got, ok := ReceivedDate([]byte(in))
		if ok != (want != "") || ok && got.Format(time.RFC3339) != want {
			t.Errorf("%q: %v (%v), want %q", in, got, ok, want)
		}
	}
}

func FuzzDate(f *testing.F) {
	f.Add("Tue, 24 Nov 2026 09:30:00 +0530 (IST)")
	f.Add("2026-11-24T09:30:00Z")
	f.Add("Nov 24, 26 9:30pm GMT-5")
	f.Fuzz(func(t *testing.T, s string) {
		if d, ok := ParseDate(s); ok && (d.UTC().Year() < 0 || d.UTC().Year() > 9999) {
			t.Fatalf("%q: year %d", s, d.Year())
		}
	})
}
