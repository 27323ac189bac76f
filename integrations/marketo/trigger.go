package marketo

import (
	"context"
	"net/http"
	"sync"

	"github.com/RoaringBitmap/roaring/v2/roaring64"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/deliver"
)

// trigger runs a campaign for leads
// (https://experienceleague.adobe.com/en/docs/marketo-developer/marketo/rest/assets/smart-campaigns).
// Each run may send a mail, so a lead gets only one, however many rows it has, and the call is not
// repeated if its outcome is unknown.
func (d *delivery) trigger(ctx context.Context, campaign string, ids []uint64) (map[uint64]error, error) {
	t := d.triggers[campaign]
	fresh, why := t.claim(ids)
	if len(fresh) == 0 {
		return why, nil
	}
	body := map[string]any{"input": map[string]any{"leads": objects(fresh)}}
	once := deliver.Once{Name: name, MaybeDeliveredHint: "It may already have been triggered."}
	err := d.client.signIn(ctx) // before a call that must not be repeated
	signedIn := err == nil
	if signedIn {
		err = deliver.Call(ctx, d.limiter, once, func(ctx context.Context) error {
			return d.client.call(ctx, http.MethodPost, "campaigns/"+campaign+"/trigger.json", body, nil)
		})
	}
	switch kind := action.KindOf(err); {
	case err == nil:
	case signedIn && (kind == action.Unavailable || kind == action.Timeout):
		t.markInDoubt(fresh)
	default:
		t.release(fresh)
	}
	for _, id := range fresh {
		if err != nil {
			why[id] = err
		}
	}
	if deliver.Stopped(err) {
		return why, err
	}
	return why, nil
}

// triggers remembers for which leads a campaign was triggered, in about two bytes for each.
type triggers struct {
	mu sync.Mutex
	// claimed are the leads of calls that succeeded or are in flight; inDoubt those of calls with an
	// unknown outcome.
	claimed, inDoubt *roaring64.Bitmap
}

func newTriggers(campaigns []string) map[string]*triggers {
	all := map[string]*triggers{}
	for _, c := range campaigns {
		all[c] = &triggers{claimed: roaring64.New(), inDoubt: roaring64.New()}
	}
	return all
}

// errDoubt is for another row of a lead in doubt.
var errDoubt = action.Errorf(action.Unavailable, "It may have been triggered already, for another row of the same lead.")

// claim returns the leads for which the campaign must be triggered, and errors for those in doubt.
func (t *triggers) claim(ids []uint64) ([]uint64, map[uint64]error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	var fresh []uint64
	why := map[uint64]error{}
	for _, id := range ids {
		switch {
		case t.inDoubt.Contains(id):
			why[id] = errDoubt
		case t.claimed.CheckedAdd(id):
			fresh = append(fresh, id)
		}
	}
	return fresh, why
}

// markInDoubt records leads for which the campaign may have been triggered.
func (t *triggers) markInDoubt(ids []uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, id := range ids {
		t.inDoubt.Add(id)
	}
}

// release undoes claim.
func (t *triggers) release(ids []uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, id := range ids {
		t.claimed.Remove(id)
	}
}
