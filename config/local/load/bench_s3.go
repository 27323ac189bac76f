package main

import "context"

func (b *benchmark) s3(ctx context.Context) error { return ctx.Err() }
