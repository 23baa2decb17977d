package command

import (
	"context"
	"errors"
	"fmt"
	"mime"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"wesouthasians.org/sangam/archive"
	"wesouthasians.org/sangam/archive/files"
	"wesouthasians.org/sangam/lists/notice"
	"wesouthasians.org/sangam/store"
)

// listFiles shows what was shared on a list, newest first, with a command for each attachment.
func listFiles(a *act, _ context.Context, c call) (string, error) {
	if c.all {
		return a.say("name-list", nil), nil
	}
	if text := a.readable(c.list); text != "" {
		return text, nil
	}
	if err := a.files.Catch(c.list.ID); err != nil {
		return "", err
	}
	q := store.FileQuery{Limit: indexSize}
	if n, err := strconv.Atoi(strings.Join(c.args, " ")); err == nil && n > 0 {
		q.Limit = min(n, maxIndex)
	} else {
		q.Words = files.Words(strings.Join(c.args, " "))
	}
	fs, err := a.Store.Files(c.list.ID, q)
	switch {
	case err != nil:
		return "", err
	case len(fs) == 0 && len(q.Words) > 0:
		return a.say("found-nothing", nil), nil
	case len(fs) == 0:
		return a.say("no-files", nil), nil
	}
	var lines []string
	for _, f := range fs {
		lines = append(lines, a.fileLines(c.list, f))
		for _, older := range f.Earlier {
			lines = append(lines, a.fileLines(c.list, older))
		}
	}
	return a.sayOf(c.list, "files", nil) + "\n\n" + strings.Join(lines, "\n\n"), nil
}

// fileLines are a file's number, what it is, its thread, and how to get it.
func (a *act) fileLines(l store.List, f store.Shared) string {
	line := fmt.Sprintf("%d. %s  %s: ", f.ID, f.In.Date.Format(time.DateOnly), f.In.From)
	about := f.Subject
	if f.Title != "" && !strings.Contains(f.Subject, f.Title) {
		about = f.Title + " / " + f.Subject
	}
	if f.Link() {
		return line + f.Name + "\n   " + about
	}
	return fmt.Sprintf("%s%s (%s)\n   %s\n   GET %s FILE %d", line, f.Name, size(f.Size), about, l.MailboxName(a.Default), f.ID)
}

func size(bytes int64) string {
	if bytes < 1000 {
		return fmt.Sprintf("%d B", bytes)
	}
	return fmt.Sprintf("%d KB", (bytes+999)/1000)
}

// getFiles attaches files by their numbers; of links it says where they lead.
func (a *act) getFiles(c call, args []string) (string, error) {
	ids, ok := parseNumbers(args)
	if !ok {
		return a.helpLine(*c.command), nil
	}
	if err := a.files.Catch(c.list.ID); err != nil {
		return "", err
	}
	var texts []string
	attached, carried := 0, 0
	for _, x := range a.attached {
		carried += len(x.Bytes)
	}
	for i, id := range ids {
		f, kind, content, err := a.file(c.list, id)
		switch {
		case errors.Is(err, store.ErrNotFound):
			texts = append(texts, a.sayOf(c.list, "no-file", notice.Values{"number": fmt.Sprint(id)}))
			continue
		case err != nil:
			return "", err
		case f.Link():
			texts = append(texts, fmt.Sprintf("%d  %s", id, f.Name))
			continue
		case len(content) > maxGetSize:
			page := fmt.Sprintf("%s/%s/%d/%d/%s", a.WebURL, c.list.MailboxName(a.Default), f.Post, f.K, url.PathEscape(f.Name))
			texts = append(texts, a.say("file-too-large", notice.Values{"number": fmt.Sprint(id), "link": page}))
			continue
		}
		if carried > 0 && carried+len(content) > maxGetSize || attached == maxGet {
			rest := fmt.Sprintf("GET %s FILE %s", c.list.MailboxName(a.Default), strings.Trim(fmt.Sprint(ids[i:min(len(ids), i+maxRest)]), "[]"))
			texts = append(texts, a.say("get-files-too-much", notice.Values{"number": fmt.Sprint(id), "command": rest}))
			break
		}
		carried += len(content)
		attached++
		a.attached = append(a.attached, notice.Attachment{Filename: f.Name, Type: kind, Bytes: content})
		texts = append(texts, fmt.Sprintf("%d  %s  %s: %s", id, f.In.Date.Format(time.DateOnly), f.In.From, f.Name))
	}
	if attached > 0 {
		texts = append([]string{a.say("get-files-attached", notice.Values{"count": fmt.Sprint(attached)})}, texts...)
	}
	return strings.Join(texts, "\n"), nil
}

// maxRest bounds the numbers in the command for what did not fit.
const maxRest = 50

// file with its bytes and the type they are sent with. ErrNotFound, also when its post was removed.
func (a *act) file(l store.List, id uint64) (f store.Shared, kind string, content []byte, err error) {
	if f, err = a.Store.File(l.ID, id); err != nil || f.Link() {
		return f, "", nil, err
	}
	raw, err := a.Store.Raw(l.ID, f.Post)
	if err != nil {
		return f, "", nil, err
	}
	all := archive.Read(raw).Attachments
	at := slices.IndexFunc(all, func(x archive.Attachment) bool { return x.K == f.K })
	if at < 0 {
		return f, "", nil, store.ErrNotFound
	}
	part := all[at].Part
	return f, sentType(part), part.Decode(raw, 0), nil
}

// sentTypes are those that go as they are; a stranger chose the type.
var sentTypes = []string{"application", "audio", "font", "image", "model", "text", "video"}

func sentType(p *archive.Part) string {
	var params map[string]string
	if charset := p.Params["charset"]; p.Type == "text" && charset != "" {
		params = map[string]string{"charset": charset}
	}
	if sent := mime.FormatMediaType(p.MediaType(), params); sent != "" && (slices.Contains(sentTypes, p.Type) || p.Message != nil && p.Subtype == "rfc822") {
		return sent
	}
	return "application/octet-stream"
}
