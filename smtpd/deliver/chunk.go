package deliver

import (
	"strconv"
	"time"
)

// Bounds of what is in flight on one connection without an answer.
const (
	maxAhead      = 16
	maxAheadBytes = 1 << 20
)

// deliverChunked is deliver for a remote with CHUNKING (RFC 3030) and PIPELINING: the bytes of a message need not wait for the answer to its
// envelope, so several copies are in flight. RSET between them ends a transaction that may have been refused.
func (c *client) deliverChunked(copies []Copy, until time.Time, report func(i int, r Result)) (reported int, err error) {
	written, ahead := 0, 0
	sizes, unfit := make([]int, len(copies)), make([]Result, len(copies))
	for i := range copies {
		c.conn.SetWriteDeadline(time.Now().Add(dataTimeout))
		for written < len(copies) && (written == 0 || time.Now().Before(until)) && (written == i || written-i < maxAhead && ahead < maxAheadBytes) {
			if unfit[written] = c.unfit(copies[written]); unfit[written].Kind == 0 {
				sizes[written] = c.writeChunk(copies[written])
				ahead += sizes[written]
			}
			written++
		}
		if i == written { // the time is up
			return reported, nil
		}
		if err := c.flush(); err != nil {
			return reported, err
		}
		if unfit[i].Kind != 0 {
			report(i, unfit[i])
			reported++
			continue
		}
		r, err := c.chunkAnswers()
		if err != nil {
			return reported, err
		}
		c.sent++
		ahead -= sizes[i]
		report(i, r)
		reported++
	}
	return reported, nil
}

// writeChunk writes one transaction and returns its size.
func (c *client) writeChunk(cp Copy) int {
	commands := c.commands(cp)
	head, _ := cp.Head()
	n := len(head) + len(cp.Content.Raw)
	c.w.WriteString("RSET\r\n" + commands[0] + "\r\n" + commands[1] + "\r\nBDAT " + strconv.Itoa(n) + " LAST\r\n")
	c.w.Write(head)
	c.w.Write(cp.Content.Raw)
	return n
}

// chunkAnswers reads the answers of one transaction. That to MAIL or RCPT decides when it is a refusal, for then the one to BDAT only follows
// from it.
func (c *client) chunkAnswers() (res Result, err error) {
	decided := false
	for step := range 4 {
		within := replyTimeout
		if step == 3 {
			within = dataTimeout
		}
		r, err := c.read(within)
		if err != nil {
			return res, err
		}
		if r.class() == 3 || step == 0 && r.class() != 2 {
			return res, errConfused
		}
		if step > 0 && !decided && (step == 3 || r.class() != 2) {
			res, decided = r.result(), true
		}
	}
	return res, nil
}
