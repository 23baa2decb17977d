package imapd

import (
	"bytes"
	"strings"
	"time"

	"wesouthasians.org/sangam/archive/imapd/wire"
)

// heldEvery is how often IDLE looks at held posts, which make no noise.
const heldEvery = 10 * time.Second

// idle (RFC 2177) tells at once what has happened before it began, then what happens.
func (x *session) idle(c *wire.Command) (string, error) {
	if err := c.End(); err != nil {
		return "", err
	}
	x.out.Raw("+ Waiting for posts\r\n")
	if err := x.await(); err != nil {
		return "", err
	}
	type heard struct {
		line []byte
		err  error
	}
	done := make(chan heard, 1)
	go func() {
		line, err := x.in.Line()
		done <- heard{line, err}
	}()
	for {
		err := x.poll(true)
		if err == nil {
			err = x.out.Flush()
		}
		if err != nil {
			x.raw.SetReadDeadline(time.Unix(1, 0))
			<-done
			return "", err
		}
		var posts, flags <-chan struct{}
		var tick <-chan time.Time
		if v := x.view; v != nil {
			posts, flags = v.posts, v.flagging
			if v.kind == ofHeld {
				tick = time.After(heldEvery)
			}
		}
		select {
		case h := <-done:
			return "", idleEnd(h.line, h.err)
		case <-posts:
		case <-flags:
		case <-tick:
		}
	}
}

func idleEnd(line []byte, err error) error {
	if err == nil && !strings.EqualFold(string(bytes.TrimSpace(line)), "DONE") {
		return bad("Expected DONE, which ends IDLE")
	}
	return err
}
