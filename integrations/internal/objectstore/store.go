package objectstore

import (
	"context"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/integrations/internal/choice"
)

// Store implements the form and the delivery of an object store's integration. Account is what the
// Looker administrator enters, and Target what the Looker user enters in addition to [Fields]; both
// are read by [action.Decode].
type Store[Account, Target any] struct {
	Plan Plan
	// Bucket is the form's field for the bucket, and List reads the account's buckets for it.
	Bucket choice.List
	List   func(context.Context, Account) ([]string, error)
	// Suggest, if set, returns the default of a field without a list, or "".
	Suggest func(Account) string
	// Allowed is the list of the account's buckets that users may write to, and Name the target's bucket.
	Allowed func(Account) Allowed
	Name    func(Target) string
	// Check, if set, checks the account.
	Check func(Account) error
	// HasPath adds a field for the object's folder to the form.
	HasPath bool
	// Object prepares an object before its data is read.
	Object func(context.Context, Account, Target, Delivery) (Object, error)
}

// Form implements [action.FormBuilder].
func (s *Store[Account, Target]) Form(ctx context.Context, req *action.Request) (*action.Form, error) {
	account, err := s.account(req)
	if err != nil {
		return nil, err
	}
	names, err := s.List(ctx, account)
	bucket, err := s.Allowed(account).Field(s.Bucket, names, err)
	if err != nil {
		return nil, err
	}
	if bucket.Type == action.String && s.Suggest != nil {
		bucket.Default = s.Suggest(account)
	}
	fields := []action.Field{bucket}
	if s.HasPath {
		fields = append(fields, action.Field{Name: "path", Label: "Path", Type: action.String})
	}
	return &action.Form{Fields: append(fields, Fields()...)}, nil
}

func (s *Store[Account, Target]) account(req *action.Request) (Account, error) {
	account, err := action.Decode[Account](req)
	if err == nil && s.Check != nil {
		err = s.Check(account)
	}
	return account, err
}

// Execute implements the method of [action.Integration].
func (s *Store[Account, Target]) Execute(ctx context.Context, req *action.Request) (*action.Response, error) {
	account, err := s.account(req)
	if err != nil {
		return nil, err
	}
	target, err := action.Decode[Target](req)
	if err != nil {
		return nil, err
	}
	if err := s.Allowed(account).Check(s.Name(target), s.Bucket.Name); err != nil {
		return nil, err
	}
	d, err := Read(req, s.Plan.Destination)
	if err != nil {
		return nil, err
	}
	object, err := s.Object(ctx, account, target, d)
	if err != nil {
		return nil, err
	}
	if err := s.Plan.Write(ctx, d.Data, object); err != nil {
		return nil, err
	}
	return &action.Response{}, nil
}
