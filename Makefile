# Everything here is a plain go command; make is a convenience.
.PHONY: build gui pictures package cross test race ci demo bench torture clean

build:
	CGO_ENABLED=0 go build -trimpath -o bin/ferry ./app/ferry

# The window. The first build takes a few minutes: OpenGL is C.
gui:
	scripts/headers.sh
	scripts/build-window.sh bin/ferry-window
	bin/ferry-window

# A whole move in two real windows; its pictures become the README's.
pictures: build
	scripts/headers.sh xvfb xdotool imagemagick
	scripts/build-window.sh bin/ferry-window
	scripts/window-run.sh bin/ferry-window bin/ferry bin/window
	scripts/pictures.sh bin/window docs/pictures

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
