package web

import (
	"net/http"

	"wesouthasians.org/sangam/store"
)

func (x *reading) maySeeMembers() bool {
	return x.member != nil && (x.member.Role != store.RoleMember || x.list.MembersVisible == "members")
}

// membersPerPage of the roster.
const membersPerPage = 500

func (x *reading) members() {
	if !x.maySeeMembers() {
		x.noRight("Only the owners of this list see who its members are.")
		return
	}
	type row struct {
		Name    string
		Address store.Address
		Role    store.Role
	}
	var rows []row
	next := store.Address("")
	for m, err := range x.Store.Members(x.list.ID, store.Address(x.r.URL.Query().Get("after"))) {
		if err != nil {
			x.failed(x.w, x.r, err)
			return
		}
		if m.Conceal && x.member.Role == store.RoleMember {
			continue
		}
		if len(rows) == membersPerPage {
			next = rows[len(rows)-1].Address
			break
		}
		rows = append(rows, row{m.Name, m.Address, m.Role})
	}
	p := x.shell("Members", "members", map[string]any{"Title": x.title(), "Members": rows, "Next": next})
	p.NoIndex = true
	x.Render(x.w, x.r, http.StatusOK, p)
}
