# Everything here is a plain go command; make is a convenience.
.PHONY: build test race ci demo clean

build:
	CGO_ENABLED=0 go build -trimpath -o bin/ferry ./app/ferry

test:
	go test -tags ci ./...

race:
	go test -race -short -tags ci ./...

demo:
	go run ./app/ferry demo

ci:
	bash .ci/run

clean:
	rm -rf bin dist
