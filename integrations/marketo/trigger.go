package marketo

import (
	"context"
	"net/http"
	"sync"

	"github.com/RoaringBitmap/roaring/v2/roaring64"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/deliver"
)

// trigger triggers a campaign for leads
// (https://experienceleague.adobe.com/en/docs/marketo-developer/marketo/rest/assets/smart-campaigns).
// Each time it is triggered the campaign runs, and may send a mail: so it is triggered once for
// a lead, however many rows name it, and not again where an answer is lost.
func (d *delivery) trigger(ctx context.Context, campaign string, ids []uint64) (map[uint64]error, error) {
	t := d.triggers[campaign]
	fresh, why := t.claim(ids)
	if len(fresh) == 0 {
		return why, nil
	}
	body := map[string]any{"input": map[string]any{"leads": objects(fresh)}}
	once := deliver.Once{Name: name, MaybeDeliveredHint: "It may have been triggered all the same."}
	err := d.client.signIn(ctx) // before a call that must not be made twice
	signedIn := err == nil
	if signedIn {
		err = deliver.Call(ctx, d.limiter, once, func(ctx context.Context) error {
			return d.client.call(ctx, http.MethodPost, "campaigns/"+campaign+"/trigger.json", body, nil)
		})
	}
	switch kind := action.KindOf(err); {
	case err == nil:
	case signedIn && (kind == action.Unavailable || kind == action.Timeout):
		t.doubt(fresh)
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

// triggers remember for which leads a campaign was triggered, in about two bytes for each.
type triggers struct {
	mu sync.Mutex
	// done are those it was triggered for, or is being; doubtful those it may have been.
	done, doubtful *roaring64.Bitmap
}

func newTriggers(campaigns []string) map[string]*triggers {
	all := map[string]*triggers{}
	for _, c := range campaigns {
		all[c] = &triggers{done: roaring64.New(), doubtful: roaring64.New()}
	}
	return all
}

// errDoubt is for a row whose lead another row named before it.
var errDoubt = action.Errorf(action.Unavailable, "It may have been triggered already, for another row of the same lead.")

// claim returns those of the leads for which the campaign is to be triggered, and why it is not
// for those that are in doubt.
func (t *triggers) claim(ids []uint64) ([]uint64, map[uint64]error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	var fresh []uint64
	why := map[uint64]error{}
	for _, id := range ids {
		switch {
		case t.doubtful.Contains(id):
			why[id] = errDoubt
		case t.done.CheckedAdd(id):
			fresh = append(fresh, id)
		}
	}
	return fresh, why
}

// doubt notes that nobody knows whether the campaign was triggered.
func (t *triggers) doubt(ids []uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, id := range ids {
		t.doubtful.Add(id)
	}
}

// release takes a claim back.
func (t *triggers) release(ids []uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, id := range ids {
		t.done.Remove(id)
	}
}
