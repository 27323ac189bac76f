// Package mirror decides which members a delivery removes, so that a list at the destination ends up with the
// members of the query's result.
//
// An integration calls [Plan.Add] for each row that it reads, [Plan.Unknown] for each row whose member
// it cannot tell, and [Plan.Removals] with the list's members when the result was sent. Missing data
// never removes a member: not an empty or incomplete result, and not a row without an identifier.
package mirror

import (
	"cmp"
	"errors"
	"fmt"
	"hash/maphash"
	"iter"
	"slices"
	"strconv"
	"strings"
	"sync"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/integrations/internal/choice"
)

// mode is whether members are removed.
type mode string

const (
	off mode = "no"
	on  mode = "yes"
)

// UnmarshalText implements [encoding.TextUnmarshaler].
func (m *mode) UnmarshalText(text []byte) error { return choice.Parse(m, string(text), off, on) }

// defaultLimit is also named in the form.
const defaultLimit = 50

// percent is a share of the members.
type percent int

// UnmarshalText implements [encoding.TextUnmarshaler]. Nothing to remove is what turning mirror mode off is for.
func (p *percent) UnmarshalText(text []byte) error {
	n, err := strconv.Atoi(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(string(text)), "%")))
	if err != nil || n < 1 || n > 100 {
		return errors.New("must be a percentage from 1 to 100")
	}
	*p = percent(n)
	return nil
}

type input struct {
	Mode  mode    `form:"mirror"`
	Limit percent `form:"mirror_limit"`
}

// Validate sets the default of the limit.
func (in *input) Validate() error {
	in.Limit = cmp.Or(in.Limit, defaultLimit)
	return nil
}

// Fields are the fields of the form. list is what the destination calls the list, such as "campaign".
func Fields(list string) []action.Field {
	return []action.Field{
		{
			Name: "mirror", Label: "Mirror", Type: action.Select, Default: string(off),
			Description: fmt.Sprintf("Whether members of the %s that are not in the result are removed from it.", list),
			Options: []action.Option{
				{Name: string(off), Label: "No: add and update only"},
				{Name: string(on), Label: "Yes: remove members that are not in the result"},
			},
		},
		{
			Name: "mirror_limit", Label: "Mirror Limit", Type: action.String, Default: fmt.Sprint(defaultLimit),
			Description: fmt.Sprintf("The maximum share of members that one delivery removes, in percent of the %s's members. "+
				"If more would be removed, none is.", list),
		},
	}
}

// Plan collects the members in one result. It can be used concurrently.
type Plan struct {
	limit percent
	list  string
	seed  maphash.Seed

	mu sync.Mutex
	// chunks are the members' fingerprints of 8 bytes. Two members with the same one keep each other, which
	// among a million happens once in ten million lists. One slice would need several times its size while it grows.
	chunks  [][]uint64
	sorted  bool
	unknown int
}

// Read returns the plan that the form asks for, or nil if it asks for none. A nil plan ignores what it
// is given. list is what the destination calls the list.
func Read(req *action.Request, list string) (*Plan, error) {
	in, err := action.Decode[input](req)
	if err != nil || in.Mode != on {
		return nil, err
	}
	return &Plan{limit: in.Limit, list: list, seed: maphash.MakeSeed()}, nil
}

// Add keeps a member. key must be equal to that of [Plan.Removals] for the same member.
func (p *Plan) Add(key string) {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	last := len(p.chunks) - 1
	if last < 0 || len(p.chunks[last]) == chunkSize {
		p.chunks, last = append(p.chunks, make([]uint64, 0, chunkSize)), last+1
	}
	p.chunks[last], p.sorted = append(p.chunks[last], maphash.String(p.seed, key)), false
}

// chunkSize is the number of fingerprints in a chunk.
const chunkSize = 1 << 16

// Unknown counts a row whose member cannot be told.
func (p *Plan) Unknown() {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.unknown++
}

// Removals returns those of the list's members that are not in the result. complete is whether the
// whole result was read. Its error means that no member may be removed.
func (p *Plan) Removals(existing iter.Seq2[string, error], complete bool) ([]string, error) {
	return RemovalsOf(p, existing, func(key string) []string { return []string{key} }, complete)
}

// RemovalsOf is [Plan.Removals] for members that the result can name by several keys. One of them in the
// result keeps a member.
func RemovalsOf[T any](p *Plan, existing iter.Seq2[T, error], keys func(T) []string, complete bool) ([]T, error) {
	if p == nil {
		return nil, nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case !complete:
		return nil, action.Errorf(action.Invalid, "No members were removed from the %s, because the result is incomplete.", p.list)
	case p.unknown > 0:
		const format = "No members were removed from the %s, because %d rows have no identifier and their members are unknown."
		return nil, action.Errorf(action.Invalid, format, p.list, p.unknown)
	case len(p.chunks) == 0:
		return nil, action.Errorf(action.Invalid, "No members were removed from the %s, because the result has no rows.", p.list)
	}
	if !p.sorted {
		for _, c := range p.chunks {
			slices.Sort(c)
		}
		p.sorted = true
	}
	var removals []T
	members := 0
	for member, err := range existing {
		if err != nil {
			return nil, action.Wrap(err, action.KindOf(err), "No members were removed from the %s. %s", p.list, action.MessageOf(err))
		}
		members++
		if !slices.ContainsFunc(keys(member), p.has) {
			removals = append(removals, member)
		}
	}
	if len(removals)*100 > members*int(p.limit) {
		const format = "No members were removed from the %s: %d of %d are not in the result, more than the mirror limit of %d percent."
		return nil, action.Errorf(action.Invalid, format, p.list, len(removals), members, p.limit)
	}
	return removals, nil
}

// has reports whether a member is in the result, whose fingerprints are sorted.
func (p *Plan) has(key string) bool {
	fingerprint := maphash.String(p.seed, key)
	return slices.ContainsFunc(p.chunks, func(c []uint64) bool {
		_, found := slices.BinarySearch(c, fingerprint)
		return found
	})
}
