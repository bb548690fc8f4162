// How things stand now: queue, trainers, engines and disk; asked again while the page is looked at.
import { Text } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import type { ResultOf } from "gql.tada";
import { useEffect } from "react";
import { t } from "../i18n.ts";
import { AddTrainerButton, isOnline } from "../trainers/add-trainer.tsx";
import { deviceList } from "../trainers/devices.ts";
import { ShareBars } from "../ui/bars.tsx";
import { Surface, Tile, When } from "../ui/bits.tsx";
import { bytes, percent, rate } from "../ui/format.ts";
import { Pill, type Tone } from "../ui/status.tsx";
import type { nowQuery } from "./queries.ts";

export type Now = ResultOf<typeof nowQuery>["dashboard"];
const EVERY_MS = 5_000;

/** Calls back now and then for as long as somebody can see the page, and when they come back to it. */
export function useWhileVisible(work: () => void): void {
  useEffect(() => {
    const look = () => {
      if (document.visibilityState === "visible") work();
    };
    const timer = setInterval(look, EVERY_MS);
    document.addEventListener("visibilitychange", look);
    return () => {
      clearInterval(timer);
      document.removeEventListener("visibilitychange", look);
    };
  }, [work]);
}

export function NowTiles({ now }: { now: Now }) {
  const { queue, trainers, engines, disk } = now;
  const online = trainers.filter(isOnline);
  return (
    <Surface title={t("Now")} aside={<Link to="/runs">{t("All runs")}</Link>}>
      <dl className="e-tiles">
        <Tile
          label={t("Waiting")}
          value={queue.waiting}
          note={
            queue.waitingForTrainer > 0
              ? t("{{n}} for a trainer", { n: queue.waitingForTrainer })
              : t("nothing needs a trainer")
          }
        />
        <Tile label={t("Running")} value={queue.running} />
        <Tile label={t("Waiting longest")} value={queue.oldestAt ? <When at={queue.oldestAt} /> : "–"} />
        <Tile
          label={t("Trainers")}
          value={online.length}
          note={t("{{n}} training", { n: online.filter(({ status }) => status === "busy").length })}
        />
        {engines ? (
          <Tile
            label={t("Engine memory")}
            value={bytes(engines.usedBytes)}
            note={t("of {{size}}", { size: bytes(engines.budgetBytes) })}
          />
        ) : null}
        {disk ? (
          <Tile
            label={t("Free disk")}
            value={bytes(disk.freeBytes)}
            note={t("of {{size}}", { size: bytes(disk.diskBytes) })}
          />
        ) : null}
      </dl>
    </Surface>
  );
}

export function Trainers({ trainers }: { trainers: Now["trainers"] }) {
  return (
    <Surface title={t("Trainers")} aside={<Link to="/trainers">{t("All trainers")}</Link>}>
      {trainers.length === 0 ? (
        <>
          <Text size="sm" c="dimmed" mb={8}>
            {t("No trainer has checked in. Chat, deploy and register work without one; training needs one.")}
          </Text>
          <AddTrainerButton />
        </>
      ) : (
        <ul className="e-rows">
          {trainers.map((trainer) => (
            <Trainer key={trainer.id} trainer={trainer} />
          ))}
        </ul>
      )}
    </Surface>
  );
}

const tones: Record<string, Tone> = { busy: "amber", idle: "leaf", silent: "red" };
const words: Record<string, string> = {
  busy: t("training"),
  idle: t("idle"),
  silent: t("silent"),
  away: t("gone"),
};

function Trainer({ trainer }: { trainer: Now["trainers"][number] }) {
  const { load, status } = trainer;
  const { host, devices } = deviceList(trainer.devices);
  const gpus = devices.filter(({ kind }) => kind !== "cpu");
  return (
    <li>
      <h3>
        {trainer.name}
        <Pill tone={tones[status] ?? "plain"}>{words[status] ?? status}</Pill>
      </h3>
      <p>
        {devices.map(({ kind, name }) => [kind, name].filter(Boolean).join(" ")).join(", ")}
        {" · "}
        <When at={trainer.lastSeenAt} />
        {trainer.runId ? (
          <>
            {" · "}
            <Link to={`/runs/${trainer.runId}`}>{t("Its run")}</Link>
          </>
        ) : null}
      </p>
      {load ? (
        <ShareBars
          label={t("Load of {{name}}", { name: trainer.name })}
          whole={1}
          format={percent}
          items={[
            { name: t("Processor"), value: load.cpuShare },
            ...(host.memoryBytes ? [{ name: t("Memory"), value: load.memoryBytes / host.memoryBytes }] : []),
            ...load.gpus.flatMap(({ share, memoryBytes }, at) => {
              const size = gpus[at]?.memoryBytes;
              return [
                ...(share === null ? [] : [{ name: t("GPU {{n}}", { n: at + 1 }), value: share }]),
                ...(size
                  ? [{ name: t("Memory of GPU {{n}}", { n: at + 1 }), value: memoryBytes / size }]
                  : []),
              ];
            }),
          ]}
        />
      ) : (
        <Text size="xs" c="dimmed">
          {status === "away" ? t("It says nothing while it is away.") : t("It has not said how busy it is.")}
        </Text>
      )}
    </li>
  );
}

export function Engines({ engines }: { engines: NonNullable<Now["engines"]> }) {
  const { loaded, budgetBytes, usedBytes } = engines;
  const nameOf = ({ models, use }: (typeof loaded)[number]): string =>
    models.join(", ") || (use === "vectors" ? t("The built-in embedder") : t("A model of another project"));
  return (
    <Surface title={t("Engines")}>
      <ShareBars
        label={t("Memory budget")}
        whole={budgetBytes}
        format={(value) => t("{{used}} of {{size}}", { used: bytes(value), size: bytes(budgetBytes) })}
        items={[{ name: t("Memory budget"), value: usedBytes }]}
      />
      {loaded.length === 0 ? (
        <Text size="sm" c="dimmed" mt={12}>
          {t("No model is loaded; the first message to one loads it.")}
        </Text>
      ) : (
        <ul className="e-rows" style={{ marginTop: 16 }}>
          {loaded.map((engine, at) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: several may do the same, and none has a state of its own.
            <li key={`${nameOf(engine)} ${engine.use} ${at}`}>
              <h3>
                {nameOf(engine)}
                <Pill tone={!engine.isReady || engine.activeRequests > 0 ? "amber" : "plain"}>
                  {!engine.isReady ? t("loading") : engine.activeRequests > 0 ? t("answering") : t("idle")}
                </Pill>
              </h3>
              <p style={{ marginBottom: 0 }}>
                {[
                  engine.use === "text" ? t("tokenizer alone") : engine.use,
                  t("{{size}} reckoned", { size: bytes(engine.estimatedBytes) }),
                  ...(engine.memoryBytes === null
                    ? []
                    : [t("{{size}} resident", { size: bytes(engine.memoryBytes) })]),
                  ...(engine.use === "text" || engine.use === "vectors"
                    ? []
                    : [t("{{rate}} now", { rate: rate(engine.tokensPerSecond) })]),
                ].join(" · ")}
              </p>
            </li>
          ))}
        </ul>
      )}
    </Surface>
  );
}

export function Disk({ disk }: { disk: NonNullable<Now["disk"]> }) {
  const words: Record<string, string> = {
    database: t("Database"),
    "base-models": t("Base models"),
    customized: t("Customized models"),
    complete: t("Complete models"),
    datasets: t("Datasets"),
    documents: t("Documents"),
    "run-files": t("Checkpoints of running work"),
    "other-blobs": t("Other files, deleted ones too"),
    snapshots: t("Snapshots before upgrades"),
    uploads: t("Uploads under way"),
  };
  const isNarrow = disk.freeBytes < disk.diskBytes * 0.05;
  return (
    <Surface
      title={t("Disk")}
      aside={
        <Pill tone={isNarrow ? "red" : "plain"}>{t("{{size}} free", { size: bytes(disk.freeBytes) })}</Pill>
      }
    >
      <ShareBars
        label={t("Disk")}
        format={bytes}
        items={disk.parts
          .filter(({ bytes: size }) => size > 0)
          .map(({ name, bytes: size }) => ({ name: words[name] ?? name, value: size }))}
      />
      <Text size="xs" c="dimmed" mt={12}>
        {t("{{size}} in all, of all projects.", { size: bytes(disk.totalBytes) })} <When at={disk.at} />
      </Text>
    </Surface>
  );
}
