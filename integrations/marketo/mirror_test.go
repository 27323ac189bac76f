package marketo_test

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/action/actiontest"
	"integrationhub.dev/integrations/internal/mirror"
	"integrationhub.dev/integrations/internal/rowstest"
)

// staticList is a list of Marketo, as
// https://experienceleague.adobe.com/en/docs/marketo-developer/marketo/rest/lead-database/list-membership describes it.
type staticList struct {
	mu      sync.Mutex
	members map[int]bool
	// gone are leads that were deleted while the list was read.
	gone map[int]bool
	// page is the number of leads on a page; 300 if it is zero.
	page int
	// faults makes every third call fail once.
	faults bool
	// removal, unless it is nil, is the response to each removal.
	removal *actiontest.Reply
	// calls are the methods, and the number of leads.
	calls []string
	// sorted are the members, unless they changed.
	sorted []int
}

func newList(members ...int) *staticList {
	l := &staticList{members: map[int]bool{}, gone: map[int]bool{}}
	for _, m := range members {
		l.members[m] = true
	}
	return l
}

func (l *staticList) serve(r actiontest.Recorded) actiontest.Reply {
	l.mu.Lock()
	defer l.mu.Unlock()
	numbers := make([]int, 0, 300)
	for _, id := range ids(r) {
		n, err := strconv.Atoi(id)
		if err != nil {
			return failure("1003", "Invalid data")
		}
		numbers = append(numbers, n)
	}
	l.calls = append(l.calls, fmt.Sprintf("%s %d", r.Method, len(numbers)))
	switch {
	case len(numbers) > 300:
		return failure("1003", "Too many leads")
	case l.faults && len(l.calls)%9 == 3:
		return failure("606", "Max rate limit '100' exceeded with in '20' secs")
	case l.faults && len(l.calls)%9 == 6:
		return failure("614", "Invalid Subscription")
	case l.faults && len(l.calls)%9 == 0:
		return actiontest.Reply{Status: http.StatusBadGateway}
	case r.Method == http.MethodGet:
		return l.list(r)
	case r.Method == http.MethodDelete && l.removal != nil:
		return *l.removal
	}
	l.sorted = nil
	results := make([]string, len(numbers))
	for i, n := range numbers {
		switch {
		case l.gone[n]:
			results[i] = fmt.Sprintf(`{"id":%d,"status":"skipped","reasons":[{"code":"1004","message":"Lead not found"}]}`, n)
		case r.Method == http.MethodPost:
			l.members[n] = true
			results[i] = fmt.Sprintf(`{"id":%d,"status":"added"}`, n)
		default:
			delete(l.members, n)
			results[i] = fmt.Sprintf(`{"id":%d,"status":"removed"}`, n)
		}
	}
	return success(strings.Join(results, ","))
}

// list returns a page of the members. The token is the last one on the page before.
func (l *staticList) list(r actiontest.Recorded) actiontest.Reply {
	size := l.page
	if size == 0 {
		size = 300
	}
	if got := r.Query.Get("batchSize") + " " + r.Query.Get("fields"); got != "300 id" {
		return failure("1003", "The page is "+got)
	}
	after, _ := strconv.Atoi(r.Query.Get("nextPageToken")) // none is 0
	if l.sorted == nil {
		l.sorted = slices.Sorted(maps.Keys(l.members))
	}
	first, _ := slices.BinarySearch(l.sorted, after+1)
	page := l.sorted[first:min(first+size, len(l.sorted))]
	more := first+size < len(l.sorted)
	results := make([]string, len(page))
	for i, m := range page {
		results[i] = fmt.Sprintf(`{"id":%d}`, m)
	}
	reply := success(strings.Join(results, ","))
	if more {
		reply.Body = strings.TrimSuffix(reply.Body, "}") + fmt.Sprintf(`,"nextPageToken":"%d"}`, page[len(page)-1])
	}
	return reply
}

func mirrored(form map[string]string) map[string]string {
	form["mirror"] = "yes"
	return form
}

// unknownRow is the message for a result with one row whose lead is not known.
func unknownRow(t *testing.T) string {
	t.Helper()
	plan, err := mirror.Read(&action.Request{Form: map[string]string{"mirror": "yes"}}, "list")
	if err != nil {
		t.Fatal(err)
	}
	plan.Unknown()
	_, err = plan.Removals(nil, true)
	return action.MessageOf(err)
}

func TestMirror(t *testing.T) {
	t.Parallel()
	unknown := " " + unknownRow(t)
	for name, tt := range map[string]struct {
		rows    string
		form    map[string]string // in addition to a mirrored list
		list    *staticList
		want    []int
		message string
	}{
		"some removed": {
			rows: people("a", "b", "c"), list: newList(1, 2, 7, 8),
			want: []int{1, 2, 3}, message: "3 leads updated, 2 removed from list 9.",
		},
		"none removed": {rows: people("a", "b"), list: newList(1), want: []int{1, 2}, message: "2 leads updated, 0 removed from list 9."},
		"not mirrored": {
			rows: people("a"), form: map[string]string{"mirror": "no"}, list: newList(7),
			want: []int{1, 7}, message: "1 leads updated.",
		},
		"a lead twice": {rows: people("a", "a"), list: newList(7), want: []int{1}, message: "2 leads updated, 1 removed from list 9."},
		"over the limit": {
			rows: people("a"), list: newList(7, 8, 9), want: []int{1, 7, 8, 9},
			message: "No members were removed from the list: 3 of 4 are not in the result, more than the mirror limit of 50 percent. " +
				"1 leads updated.",
		},
		"a higher limit": {
			rows: people("a"), form: map[string]string{"mirror_limit": "75"}, list: newList(7, 8, 9),
			want: []int{1}, message: "1 leads updated, 3 removed from list 9.",
		},
		"an empty result": {
			rows: people(), list: newList(7), want: []int{7},
			message: "No members were removed from the list, because the result has no rows. 0 leads updated.",
		},
		"a skipped row": {
			rows: people("a", "z", "c"), list: newList(1, 7), want: []int{1, 3, 7},
			message: "2 of 3 leads delivered, 1 rejected. Marketo reported: Multiple lead match lookup criteria (1007) (first: row 2)." + unknown,
		},
		"a row without a lookup value": {
			rows: columns + `,"data":[{"u.email":{"value":null}},{"u.email":{"value":"a@example.com"}}]}`, list: newList(7),
			want: []int{1, 7}, message: "1 of 2 leads delivered, 1 rejected. A row has no email to look up its lead." + unknown,
		},
		"rows with IDs, of which one is gone": {
			rows: byID(`{"u.id":{"value":1}},{"u.id":{"value":5}}`), form: map[string]string{"lookupField": "id"},
			list: &staticList{members: map[int]bool{5: true, 7: true}, gone: map[int]bool{5: true}}, want: []int{1, 5},
			message: "1 of 2 leads delivered, 1 rejected. Leads were updated, but not added to list 9: Marketo reported: Lead not found (1004) " +
				"(first: lead 5). 1 removed from list 9.",
		},
		"a member that is gone": {
			rows: people("a", "b"), list: &staticList{members: map[int]bool{7: true}, gone: map[int]bool{7: true}},
			want: []int{1, 2, 7}, message: "2 leads updated, 1 removed from list 9.",
		},
		"several pages": {
			rows: people("a", "b", "c", "d"), list: &staticList{members: map[int]bool{7: true, 8: true, 9: true}, page: 2},
			want: []int{1, 2, 3, 4}, message: "4 leads updated, 3 removed from list 9.",
		},
		"removals denied": {
			rows: people("a", "b"), list: &staticList{members: map[int]bool{7: true}, removal: new(failure("603", "Access denied"))},
			want: []int{1, 2, 7},
			message: "0 of 1 members were removed from list 9. Marketo denied access. The API user's role lacks a permission (603). " +
				"2 leads updated.",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := actiontest.NewDestination(t).Handle(mkto(map[string]func(actiontest.Recorded) actiontest.Reply{
				"lists/9/leads.json": tt.list.serve,
			}))
			form := mirrored(answers("addList", "9"))
			maps.Copy(form, tt.form)
			if got := execute(t, d, query(t, form, tt.rows)); got != tt.message {
				t.Errorf("message %q, want %q", got, tt.message)
			}
			if diff := cmp.Diff(tt.want, slices.Sorted(maps.Keys(tt.list.members))); diff != "" {
				t.Errorf("members (-want +got):\n%s", diff)
			}
		})
	}
}

// Several lists are mirrored one after the other. A problem of one does not affect the others.
func TestMirrorSeveralLists(t *testing.T) {
	t.Parallel()
	eight, nine := newList(1, 7), newList(11, 12, 13)
	d := actiontest.NewDestination(t).Handle(mkto(map[string]func(actiontest.Recorded) actiontest.Reply{
		"lists/8/leads.json": eight.serve, "lists/9/leads.json": nine.serve,
	}))
	const want = "No members were removed from the list: 3 of 5 are not in the result, more than the mirror limit of 50 percent. " +
		"2 leads updated, 1 removed from list 8."
	if got := execute(t, d, query(t, mirrored(answers("addList", "9,8")), people("a", "b"))); got != want {
		t.Errorf("message %q, want %q", got, want)
	}
	got := [][]int{slices.Sorted(maps.Keys(eight.members)), slices.Sorted(maps.Keys(nine.members))}
	if diff := cmp.Diff([][]int{{1, 2}, {1, 2, 11, 12, 13}}, got); diff != "" {
		t.Errorf("members of lists 8 and 9 (-want +got):\n%s", diff)
	}
}

// An incomplete result removes no member, and neither does a list that cannot be read to its end.
func TestMirrorOfIncompleteData(t *testing.T) {
	t.Parallel()
	list := newList(1, 7)
	d := actiontest.NewDestination(t).Handle(mkto(map[string]func(actiontest.Recorded) actiontest.Reply{
		"lists/9/leads.json": list.serve,
	}))
	whole := people("a", "b", "c")
	req := actiontest.Query(params(), mirrored(answers("addList", "9")))
	req = actiontest.Download(t, req, actiontest.BrokenDownload(whole[:len(whole)-10]))
	const want = "2 of 2 leads delivered, 0 failed. The download from Looker ended before the data was complete. " +
		"No members were removed from the list, because the result is incomplete."
	if got := execute(t, d, req); got != want {
		t.Errorf("message %q, want %q", got, want)
	}
	for name, page := range map[string]string{
		"the same token":    `{"success":true,"result":[{"id":1}],"nextPageToken":"x"}`,
		"a lead without ID": `{"success":true,"result":[{"email":"a"}]}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := actiontest.NewDestination(t).Handle(mkto(map[string]func(actiontest.Recorded) actiontest.Reply{
				"lists/9/leads.json": func(r actiontest.Recorded) actiontest.Reply {
					if r.Method == http.MethodGet {
						return actiontest.Reply{Body: page}
					}
					return success(`{"id":1,"status":"added"}`)
				},
			}))
			const want = "No members were removed from the list. Unexpected response from Marketo. 1 leads updated."
			if got := execute(t, d, query(t, mirrored(answers("addList", "9")), people("a"))); got != want {
				t.Errorf("message %q, want %q", got, want)
			}
		})
	}
}

func TestMirrorOfOtherActions(t *testing.T) {
	t.Parallel()
	for _, form := range []map[string]string{
		answers("none", ""), answers("removeList", "9"), answers("addCampaign", "5"), {"lookupField": "email", "campaignId": "5"},
	} {
		got := execute(t, nil, query(t, mirrored(form), people("a"))) // a call would panic
		if got != `Only lists are mirrored: select "Update lead and add to below List ID".` {
			t.Errorf("%v: message %q", form, got)
		}
	}
}

// RoundTrip implements [http.RoundTripper].
func (l *staticList) RoundTrip(req *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	reply := l.serve(actiontest.Recorded{Method: req.Method, Path: req.URL.Path, Query: req.URL.Query(), Body: body})
	req.Body = http.NoBody
	return (&rowstest.Sink{Answer: rowstest.Answer{Status: max(reply.Status, http.StatusOK), Body: reply.Body}}).RoundTrip(req)
}

// With faults of every call, a list of 150,000 has exactly the 100,000 leads of the result in the end.
func TestInjectedFaultsInMirror(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const strangers = total / 2
		leads := &rowstest.Destination{Rows: leadRows, Answer: synced, Limited: tooOften}
		list := newList()
		list.faults = true
		for n := range strangers {
			list.members[total+n+1] = true
		}
		res, err := deliverTo(t, routed{"leads.json": leads, "lists/9/": list}, mirrored(answers("addList", "9")), total)
		if err != nil {
			t.Fatal(err)
		}
		if want := fmt.Sprintf("%d leads updated, %d removed from list 9.", total, strangers); res.Message != want {
			t.Errorf("message %q, want %q", res.Message, want)
		}
		leads.Check(t, total, err)
		wrong := 0
		for m := range list.members {
			if m > total {
				wrong++
			}
		}
		if len(list.members) != total || wrong > 0 {
			t.Errorf("%d members, %d of them are not in the result", len(list.members), wrong)
		}
	})
}
