package google

import (
	"context"
	"strings"
	"time"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/integrations/internal/message"
)

// Input is what the Looker user and the administrator entered.
type Input struct {
	Access
	Folder
	// Name is the file's name with its placeholders replaced, or the plan's title.
	Name string
}

// Decode reads a delivery's input.
func Decode(req *action.Request) (Input, error) {
	access, err := action.Decode[Access](req)
	if err != nil {
		return Input{}, err
	}
	folder, err := action.Decode[Folder](req)
	if err != nil {
		return Input{}, err
	}
	named, err := action.Decode[struct {
		Zone action.TimeZone `form:"time_zone"`
	}](req)
	if err != nil {
		return Input{}, err
	}
	name := message.ExpandTime(req.Form["filename"], named.Zone.In(time.Now()))
	if strings.TrimSpace(name) == "" {
		name = req.SuggestedFilename()
	}
	return Input{access, folder, name}, nil
}

// Enter starts a user's access for a delivery. The account must be allowed, and the folder must exist.
func (s *Service) Enter(ctx context.Context, req *action.Request, in Input) (*Client, Place, error) {
	c := s.Open(req.State)
	if !c.SignedIn() {
		return nil, Place{}, s.SignIn.Required()
	}
	if err := c.Allowed(ctx, in.Domains); err != nil {
		return nil, Place{}, err
	}
	at, err := c.Place(ctx, in.Folder)
	return c, at, err
}
