// A line of a list of facts; what is not known is a dash.

export function Fact(props: { term: string; value: string | undefined }) {
  return (
    <div>
      <dt>{props.term}</dt>
      <dd>{props.value ?? "–"}</dd>
    </div>
  );
}
