# Everything here is a plain go command; make is a convenience.
.PHONY: build gui package cross test race ci demo bench torture clean

build:
	CGO_ENABLED=0 go build -trimpath -o bin/ferry ./app/ferry

# The window. The first build takes some minutes: OpenGL is C.
gui:
	scripts/headers.sh
	CGO_ENABLED=1 go build -tags x11 -o bin/ferry-window ./app
	bin/ferry-window

# The window's Linux package, unpacked and started on a display of its own.
package:
	scripts/headers.sh xvfb xdotool
	scripts/package.sh linux
	scripts/package-check.sh

cross:
	GOOS=windows GOARCH=amd64 CGO_ENABLED=0 go build -o /dev/null ./app/ferry
	GOOS=darwin GOARCH=arm64 CGO_ENABLED=0 go build -o /dev/null ./app/ferry
	GOOS=linux GOARCH=arm64 CGO_ENABLED=0 go build -o /dev/null ./app/ferry

test:
	go test -tags ci ./...

race:
	go test -race -short -tags ci ./...

demo:
	go run ./app/ferry demo

bench:
	go run ./bench

torture:
	go run ./torture

ci:
	bash .ci/run

clean:
	rm -rf bin dist
