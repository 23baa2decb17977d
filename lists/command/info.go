package command

import (
	"context"
	"fmt"
	"strings"

	"wesouthasians.org/sangam/lists/notice"
	"wesouthasians.org/sangam/store"
)

// info tells about a list.
func info(a *act, _ context.Context, c call) (string, error) {
	if c.all {
		return a.say("name-list", nil), nil
	}
	archive := ""
	if c.list.Archive != "off" {
		archive = a.WebURL + "/" + c.list.MailboxName(a.Default) + "/"
	}
	return a.sayOf(c.list, "info", notice.Values{"archive": archive}), nil
}

// listAll shows the lists that want to be seen, and those of which who asks is a member.
func listAll(a *act, _ context.Context, _ call) (string, error) {
	ls, err := a.Store.Lists()
	if err != nil {
		return "", err
	}
	var lines []string
	for _, l := range ls {
		if l.Advertised || a.role(l) != "" {
			lines = append(lines, strings.TrimSpace(string(l.Address())+"  "+l.Title))
		}
	}
	if len(lines) == 0 {
		return a.say("no-lists", nil), nil
	}
	return a.say("lists", nil) + "\n" + strings.Join(lines, "\n"), nil
}

// help shows the commands; those of moderators only to them.
func help(a *act, _ context.Context, c call) (string, error) {
	if len(c.args) > 0 {
		if found, _, _ := read(c.args[0]); found != nil {
			return a.helpLine(*found), nil
		}
	}
	moderates := false
	if a.implied.Name != "" {
		moderates = staff(a.role(a.implied))
	} else if ms, err := a.Store.MembershipsOf(a.who.address); err == nil {
		for _, m := range ms {
			moderates = moderates || staff(m.Role)
		}
	}
	var lines []string
	for _, row := range table {
		if moderates || !row.staff && !strings.Contains("APPROVE REJECT DISCARD TRUST", row.name) {
			lines = append(lines, a.helpLine(row))
		}
	}
	name := "help"
	if a.implied.Name == "" {
		name = "help.site"
	}
	return a.say(name, notice.Values{"commands": strings.Join(lines, "\n")}), nil
}

func (a *act) helpLine(c command) string {
	return strings.TrimSpace(c.name+" "+c.args) + "\n   " + a.say("help."+c.help, nil)
}

// review shows who is on a list, to those who may see it.
func review(a *act, _ context.Context, c call) (string, error) {
	if c.all {
		return a.say("name-list", nil), nil
	}
	role := a.role(c.list)
	if !staff(role) && (c.list.MembersVisible != "members" || role == "") {
		return a.sayOf(c.list, "review-owners", nil), nil
	}
	var lines []string
	for m, err := range a.Store.Members(c.list.ID, "") {
		if err != nil {
			return "", err
		}
		if m.Conceal && !staff(role) {
			continue
		}
		line := strings.TrimSpace(string(m.Address) + "  " + m.Name)
		if m.Role != store.RoleMember {
			line += "  (" + a.say("role."+string(m.Role), nil) + ")"
		}
		lines = append(lines, line)
	}
	return a.sayOf(c.list, "review", notice.Values{"count": fmt.Sprint(len(lines))}) + "\n" + strings.Join(lines, "\n"), nil
}
