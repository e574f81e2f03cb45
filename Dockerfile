# docker build -t jwtd . && docker run -p 5000:5000 -v jwtd:/state jwtd
FROM alpine:3.20 AS build
RUN apk add --no-cache gcc make musl-dev
COPY . /src
WORKDIR /src
RUN make clean && make && strip jwtd && mkdir -p -m 700 /image/state

FROM scratch
COPY --from=build /src/jwtd /jwtd
# what is in the folder keeps its mode; of the folder itself some builders make 755
COPY --from=build --chown=65532:65532 /image /
ENV STATE_DIRECTORY=/state JWTD_LISTEN=0.0.0.0:5000
USER 65532:65532
VOLUME /state
EXPOSE 5000
HEALTHCHECK --interval=30s --timeout=5s CMD ["/jwtd", "healthcheck"]
ENTRYPOINT ["/jwtd"]
