package main

import (
	"bytes"
	"context"
	"embed"
	"fmt"
	"net/smtp"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/template"
	"time"

	"wesouthasians.org/sangam/archive"
	"wesouthasians.org/sangam/smtpd/deliver"
	"wesouthasians.org/sangam/store"
)

//go:embed demo/*.eml
var conversation embed.FS

// letter is what a file of the conversation is filled in with.
type letter struct {
	List, Date string
	run        string // so that each run posts anew
}

// ID of the n-th mail.
func (l letter) ID(n int) string { return fmt.Sprintf("%s.%d@clinic.example.org", l.run, n) }

// converse posts the conversation and checks that each copy reached its Maildir. It returns their number.
func (d *demo) converse(ctx context.Context, l store.List) (int, error) {
	files, err := conversation.ReadDir("demo")
	if err != nil {
		return 0, err
	}
	begun := time.Now()
	copies := 0
	for i, file := range files {
		text, err := template.ParseFS(conversation, "demo/"+file.Name())
		if err != nil {
			return copies, err
		}
		var mail bytes.Buffer
		date := begun.Add(time.Duration(i-len(files)) * time.Minute)
		if err := text.Execute(&mail, letter{string(l.Address()), date.Format(time.RFC1123Z), begun.UTC().Format("20060102150405.000000")}); err != nil {
			return copies, err
		}
		n, err := d.post(ctx, l, archive.CRLF(mail.Bytes()))
		if err != nil {
			return copies, err
		}
		copies += n
	}
	return copies, nil
}

// post sends one mail through the SMTP port, waits until it is delivered and shows the copies.
func (d *demo) post(ctx context.Context, l store.List, mail []byte) (int, error) {
	described := archive.Describe(mail, time.Now()).Post
	if err := smtp.SendMail(d.app.Addr("smtp"), nil, string(described.Author), []string{string(l.Address())}, mail); err != nil {
		return 0, fmt.Errorf("post %q: %w", described.Subject, err)
	}
	fmt.Fprintf(d.stdout, "\n%s posted %q by SMTP:\n", described.From, described.Subject)
	if err := d.delivered(ctx, l, described.MessageID); err != nil {
		return 0, err
	}
	capture, err := deliver.NewCapture(d.site.config.Delivery.CaptureDir)
	if err != nil {
		return 0, err
	}
	n := 0
	for m, err := range d.site.Members(l.ID, "") {
		if err != nil {
			return n, err
		}
		found, err := copiesOf(capture.Folder(m.Mailbox), described.MessageID, l)
		if err != nil {
			return n, err
		}
		wanted := 1
		if m.Delivery == store.DeliverNone || !m.OwnPosts && m.Address == described.Author {
			wanted = 0
		}
		if len(found) != wanted {
			return n, fmt.Errorf("%s has %d copies of %q instead of %d: see the log in %s", m.Address, len(found), described.Subject, wanted, d.dir)
		}
		switch {
		case wanted == 1:
			fmt.Fprintf(d.stdout, "  to %-27s %s\n", m.Address, found[0])
		case m.Delivery == store.DeliverNone:
			fmt.Fprintf(d.stdout, "  to %-27s nothing: reads the archive only\n", m.Address)
		default:
			fmt.Fprintf(d.stdout, "  to %-27s nothing: wants no copy of own posts\n", m.Address)
		}
		n += wanted
	}
	return n, nil
}

// delivered waits until the post is in the archive and no job of it is left.
func (d *demo) delivered(ctx context.Context, l store.List, id string) error {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		numbers, err := d.site.PostsByMessageID(l.ID, id)
		if err != nil {
			return err
		}
		jobs, err := d.site.Jobs()
		if err != nil {
			return err
		}
		waits := slices.ContainsFunc(jobs, func(j store.Job) bool { return j.List == l.ID && slices.Contains(numbers, j.Number) })
		if len(numbers) > 0 && !waits {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("the post %s was not delivered in time: see the log in %s", id, d.dir)
		}
	}
}

// copiesOf returns the files of a Maildir that hold a post, and checks that each is a copy of this list.
func copiesOf(maildir, id string, l store.List) (found []string, err error) {
	files, err := filepath.Glob(filepath.Join(strings.NewReplacer("*", `\*`, "?", `\?`, "[", `\[`).Replace(maildir), "new", "*"))
	if err != nil {
		return nil, err
	}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		if !bytes.Contains(raw, []byte("Message-ID: <"+id+">\r\n")) {
			continue
		}
		for _, want := range []string{"Return-Path: <" + l.Name + "-bounces+", "\r\nList-Id: ", "\r\nList-Unsubscribe: <", "\r\nSubject: "} {
			if !bytes.Contains(raw, []byte(want)) {
				return nil, fmt.Errorf("the copy %s lacks %q", file, strings.TrimSpace(want))
			}
		}
		found = append(found, file)
	}
	return found, nil
}
