// How far the judges of an assessment can be trusted: the same verdict in both orders, and with whom they agree.
import { t } from "../i18n.ts";
import { reachable, Surface } from "../ui/bits.tsx";
import { count, dollars, seconds } from "../ui/format.ts";
import type { Assessment } from "./detail-page.tsx";
import { range, ScoreBar, two } from "./figures.tsx";

type Share = { share: number; low: number; high: number };

function ShareText(props: { share: Share | null }) {
  const { share } = props;
  if (!share) return "–";
  return (
    <>
      <strong>{two(share.share)}</strong> <span className="e-muted">{range(share)}</span>
    </>
  );
}

export function JudgeSection(props: { assessment: Assessment }) {
  const { judges, agreements } = props.assessment.report;
  if (judges.length + agreements.length === 0) return null;
  return (
    <Surface title={t("Judges and people")}>
      {judges.length > 0 ? (
        <div className="e-scroll" {...reachable}>
          <table className="e-table e-figures e-assessed">
            <caption>
              {t(
                "A judge to be trusted says the same in both orders, and prefers the first answer half of the time.",
              )}
            </caption>
            <thead>
              <tr>
                <th scope="col">{t("Judge")}</th>
                <th scope="col">{t("Same in both orders")}</th>
                <th scope="col">{t("Prefers the first")}</th>
                <th scope="col">{t("Judgements")}</th>
                <th scope="col">{t("No verdict")}</th>
                <th scope="col">{t("Failed")}</th>
                <th scope="col">{t("Median time")}</th>
                <th scope="col">{t("Cost")}</th>
              </tr>
            </thead>
            <tbody>
              {judges.map((one) => (
                <tr key={one.label}>
                  <th scope="row">{one.label}</th>
                  <td>
                    <ShareText share={one.consistency} />
                  </td>
                  <td>
                    <ShareText share={one.preferredFirst} />
                  </td>
                  <td>{count(one.judgements)}</td>
                  <td>{count(one.unread)}</td>
                  <td>{count(one.failed)}</td>
                  <td>{one.medianLatencyMs === null ? "–" : seconds(one.medianLatencyMs)}</td>
                  <td>{one.costUsd === null ? "–" : dollars(one.costUsd)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      ) : null}
      {agreements.length > 0 ? (
        <div className="e-scroll" {...reachable}>
          <table className="e-table e-figures e-assessed">
            <caption>
              {t(
                "How often two say the same of which answer is better, or of whether one is good. κ is 0 where they agree as often as by chance.",
              )}
            </caption>
            <thead>
              <tr>
                <th scope="col">{t("Who")}</th>
                <th scope="col">{t("Agree")}</th>
                <th scope="col">0 … 1</th>
                <th scope="col">κ</th>
                <th scope="col">{t("Of")}</th>
              </tr>
            </thead>
            <tbody>
              {agreements.map((one) => (
                <tr key={`${one.first} ${one.second}`}>
                  <th scope="row">
                    {one.first}
                    <small>{t("with {{name}}", { name: one.second })}</small>
                  </th>
                  <td>
                    <ShareText share={one} />
                  </td>
                  <td>
                    <ScoreBar
                      name={`${one.first}, ${one.second}`}
                      interval={{ mean: one.share, low: one.low, high: one.high }}
                    />
                  </td>
                  <td>{one.kappa === null ? "–" : two(one.kappa)}</td>
                  <td>{count(one.n)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      ) : null}
    </Surface>
  );
}
