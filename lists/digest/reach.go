package digest

import (
	"sort"

	"wesouthasians.org/sangam/store"
)

// reach is how far one mail goes.
type reach struct {
	upto  uint64
	marks []mark // of the posts in it
}

// mark is a post with the bytes of all up to it.
type mark struct {
	number uint64
	total  int64
}

// reach from behind a post up to another, or as far as a mail may be large.
func (p *Press) reach(l store.List, behind, upto uint64) (reach, error) {
	most, total := min(max(l.DigestSize, smallMail), largeMail), int64(0)
	var marks []mark
	for x, err := range p.Store.Distributed(l.ID, behind+1, upto) {
		if err != nil {
			return reach{}, err
		}
		if n := len(marks); n > 0 && total+x.Size > most {
			return reach{marks[n-1].number, marks}, nil
		}
		total += x.Size
		marks = append(marks, mark{x.Number, total})
	}
	return reach{upto, marks}, nil
}

// tooMuch tells whether the mails of a plan are too many to be made at once.
func (r reach) tooMuch(plan store.DigestPlan) bool {
	if len(r.marks) < 2 {
		return false
	}
	sum := int64(0)
	for _, d := range plan.Digests {
		sum += r.marks[len(r.marks)-1].total
		if n := sort.Search(len(r.marks), func(n int) bool { return r.marks[n].number > d.From }); n > 0 {
			sum -= r.marks[n-1].total
		}
	}
	return sum > largeMake
}

func (r *reach) halve() {
	r.marks = r.marks[:len(r.marks)/2]
	r.upto = r.marks[len(r.marks)-1].number
}
