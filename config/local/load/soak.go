package main

import "context"

func soak(ctx context.Context, _ []string) error { return ctx.Err() }
